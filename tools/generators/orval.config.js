// Two outputs: a client that uses fetch, and schemas for zod.
const input = process.env.OPENAPI;

export default {
  client: { input, output: { target: "generated/orval/client.ts", client: "fetch" } },
  zod: { input, output: { target: "generated/orval/zod.ts", client: "zod" } },
};
