# Takes training steps for a process that asks for them. A message is the length of a header (4 bytes), the header (JSON) and the
# numbers of its tensors one after another; so are the answers. The network's own functions stand before this text.
import ctypes
import json
import math
import os
import signal
import struct
import sys
import traceback

DTYPES = {"f32": torch.float32, "i32": torch.int32}
source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks, which ends this one
os.dup2(2, 1)  # whatever else prints must not come between the answers


def exactly(count):
    data = bytearray(count)
    view, at = memoryview(data), 0
    while at < count:
        read = source.readinto(view[at:])
        if not read:
            sys.exit(0)
        at += read
    return data


def receive():
    header = json.loads(exactly(struct.unpack("<I", exactly(4))[0]))
    tensors = {}
    for name, dtype, shape in header.pop("tensors", []):
        count = 4
        for side in shape:
            count *= side
        data = exactly(count)
        tensors[name] = torch.frombuffer(data, dtype=DTYPES[dtype]).reshape(shape) if count else torch.zeros(shape)
    return header, tensors


def send(header, tensors={}):
    parts = {name: t.detach().to("cpu", torch.float32).contiguous() for name, t in tensors.items()}
    header["tensors"] = [[name, "f32", list(t.shape)] for name, t in parts.items()]
    text = json.dumps(header).encode()
    sink.write(struct.pack("<I", len(text)) + text)
    for t in parts.values():
        # Without numpy, which not every PyTorch has at hand.
        sink.write(ctypes.string_at(t.data_ptr(), 4 * t.numel()))
    sink.flush()


class Training:
    def __init__(self, settings, constants):
        wanted = settings["device"]
        cuda = torch.cuda.is_available()
        self.device = torch.device("cuda" if wanted == "auto" and cuda else "cpu" if wanted == "auto" else wanted)
        self.settings = settings
        self.narrow = settings["precision"] == "bf16"
        self.constants = self.there(constants)
        self.parameters, self.average, self.moments, self.steps = {}, {}, {}, 0

    def there(self, tensors):
        return {name: t.to(self.device) for name, t in tensors.items()}

    def load(self, tensors):
        rates = self.settings["trained"]
        self.parameters = self.there(tensors)
        for name, t in self.parameters.items():
            t.requires_grad_(name in rates)
        self.moments = {name: (torch.zeros_like(self.parameters[name]), torch.zeros_like(self.parameters[name])) for name in rates}
        if self.settings["ema"] > 0:
            self.average = {name: t.detach().clone() for name, t in self.parameters.items()}

    def resume(self, tensors, steps):
        self.steps = steps
        for kind, name, t in ((*name.split(".", 1), t) for name, t in self.there(tensors).items()):
            if kind == "average":
                self.average[name] = t
            else:
                self.moments[name][kind == "moment2"].copy_(t)

    # The network, in bf16 where that was asked for; its results are fp32.
    def run(self, function, inputs, parameters):
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.narrow):
            results = function(inputs, parameters, self.constants)
        return {name: t.float() for name, t in results.items()}

    def step(self, inputs, lr):
        trained = [self.parameters[name] for name in self.moments]
        for t in trained:
            t.grad = None
        inputs = self.there(inputs)
        results = self.run(training, inputs, self.parameters)
        results.update(losses({**inputs, **results}, self.parameters, self.constants))
        results["loss"].sum().backward()
        gradients = [t.grad if t.grad is not None else torch.zeros_like(t) for t in trained]
        norm = torch.sqrt(sum(g.square().sum() for g in gradients))
        values = {name: float(results[name]) for name in self.settings["losses"]}
        if not all(map(math.isfinite, [*values.values(), float(norm)])):
            return values, float(norm)
        with torch.no_grad():
            clip = self.settings["clip"]
            factor = min(1.0, clip / (float(norm) + 1e-6)) if clip > 0 else 1.0
            self.steps += 1
            for (name, (mean, square)), t, g in zip(self.moments.items(), trained, gradients):
                self.adamw(t, g * factor, mean, square, lr * self.settings["trained"][name])
            for name in self.settings["statistics"]:
                self.parameters[name].copy_(results["statistic:" + name])
            rate = 1 - min(self.settings["ema"], (1 + self.steps) / (10 + self.steps))
            for name, kept in self.average.items():
                kept.lerp_(self.parameters[name], rate)
        return values, float(norm)

    def adamw(self, t, g, mean, square, lr):
        mean.lerp_(g, 0.1)
        square.mul_(0.999).addcmul_(g, g, value=0.001)
        root = square.sqrt().div_((1 - 0.999**self.steps) ** 0.5).add_(1e-8)
        t.mul_(1 - lr * self.settings["weight_decay"]).addcdiv_(mean, root, value=-lr / (1 - 0.9**self.steps))

    def logits(self, inputs):
        with torch.no_grad():
            return self.run(forward, self.there(inputs), self.average or self.parameters)["logits"]

    def state(self, kinds):
        first = {name: moments[0] for name, moments in self.moments.items()}
        second = {name: moments[1] for name, moments in self.moments.items()}
        held = {"parameters": self.parameters, "moment1": first, "moment2": second, "average": self.average}
        return {kind + "." + name: t for kind in kinds for name, t in held[kind].items()}


def describe(session):
    threads = torch.get_num_threads()
    where = torch.cuda.get_device_name() if session.device.type == "cuda" else f"{threads} threads of the CPU"
    return {"version": torch.__version__, "device": session.device.type, "where": where}


def main():
    session = None
    while True:
        header, tensors = receive()
        try:
            what = header["what"]
            if what == "open":
                session = Training(header["settings"], tensors)
                send(describe(session))
            elif what == "load":
                session.load(tensors)
                send({})
            elif what == "resume":
                session.resume(tensors, header["steps"])
                send({})
            elif what == "step":
                values, norm = session.step(tensors, header["lr"])
                send({"losses": {k: v if math.isfinite(v) else None for k, v in values.items()}, "norm": norm if math.isfinite(norm) else None})
            elif what == "logits":
                send({}, {"logits": session.logits(tensors)})
            elif what == "state":
                send({}, session.state(header["kinds"]))
        except Exception as error:
            traceback.print_exc()
            memory = isinstance(error, MemoryError) or "out of memory" in str(error).lower()
            send({"error": str(error).split("\n")[0], "memory": memory})


main()
