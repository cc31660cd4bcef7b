"""A training step of the PyTorch reference, taken whenever the parent process asks: a peer of `tmca bench --train`.

    python3 torch_step.py WORK --reference DIR --threads N --lr X --weight-decay X --clip X

WORK holds config.json (keys of the reference's Config), model.safetensors and batch.safetensors (image [B,3,S,S], ids and mask [B,L],
target [B,1,S,S]); DIR holds tmca.py. When all is loaded, a line of JSON tells what runs; then, for every line on standard input, a
step is taken (losses, gradients, clipping, AdamW) and answered with {"loss": the loss before it, "cpu": seconds of CPU used so far}.
"""

import argparse
import json
import pathlib
import struct
import sys
import time
from dataclasses import fields

import numpy as np
import torch


def read_safetensors(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    kinds = {"F32": np.float32, "I32": np.int32}
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        values = np.frombuffer(data, kinds[entry["dtype"]], (end - start) // 4, 8 + size + start)
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    return tensors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--reference", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--lr", type=float, required=True)
    parser.add_argument("--weight-decay", type=float, required=True)
    parser.add_argument("--clip", type=float, required=True)
    given = parser.parse_args()
    sys.path.insert(0, str(given.reference))
    import tmca

    torch.set_num_threads(given.threads)
    known = {field.name for field in fields(tmca.Config)}
    config = json.loads((given.work / "config.json").read_text())
    model = tmca.Tmca(tmca.Config(**{key: value for key, value in config.items() if key in known}))
    missing, unexpected = model.load_state_dict(read_safetensors(given.work / "model.safetensors"), strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        sys.exit(f"the reference's parameters differ: missing {missing}, unexpected {unexpected}")
    batch = read_safetensors(given.work / "batch.safetensors")
    inputs = batch["image"], batch["ids"].long(), batch["mask"].bool(), batch["target"]
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=given.lr, weight_decay=given.weight_decay)
    answer = lambda content: print(json.dumps(content), flush=True)
    count = sum(parameter.numel() for parameter in model.parameters())
    answer({"version": torch.__version__, "threads": torch.get_num_threads(), "parameters": count})
    for _ in sys.stdin:
        optimizer.zero_grad()
        total, _ = tmca.loss(model, *inputs)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), given.clip)
        optimizer.step()
        answer({"loss": total.item(), "cpu": time.process_time()})


if __name__ == "__main__":
    main()
