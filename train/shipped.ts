// What lies beside the code in the package, from `train/` and from the built `dist/` alike. Addresses, for `URL` and for model
// folders.

/** The small trained model that the package ships. */
export const shippedModel: string = new URL('../models/nano', import.meta.url).href;

/** The package's own package.json. */
export const packageFile: string = new URL('../package.json', import.meta.url).href;
