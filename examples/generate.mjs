// A program that knows nothing but JSON: it writes specs to `specbuild check -` and reads the diagnostics.
//
//     node examples/generate.mjs
//
// SPECBUILD names the command, if it is not on the PATH.
import { spawnSync } from "node:child_process";

const specbuild = process.env.SPECBUILD ?? "specbuild";

const network = (depth) => ({
  specbuild: 1,
  name: `depth_${depth}`,
  input: [3, 32, 32],
  layers: [
    ...Array.from({ length: depth }, (_, i) => [
      { type: "Conv2d", out_channels: 16 * (i + 1), kernel_size: 3, padding: 1 },
      "ReLU",
      { type: "MaxPool2d", kernel_size: 2 },
    ]).flat(),
    "Flatten",
    { name: "head", type: "Linear", out_features: 10 },
  ],
});

for (const depth of [3, 5, 6]) {
  const spec = network(depth);
  const { status, stdout } = spawnSync(specbuild, ["check", "-", "--format", "json"], {
    input: JSON.stringify(spec),
    encoding: "utf8",
  });
  if (status === 0) {
    console.log(`${spec.name}: ok`);
  } else if (status === 1) {
    for (const { code, path, message } of JSON.parse(stdout)) console.log(`${spec.name}: ${code} at ${path}: ${message}`);
  } else {
    throw new Error(`${specbuild} ended with status ${status}`);
  }
}
