// How @hey-api/openapi-ts writes the client of happy_path.ts.
export default {
  input: "openapi.json",
  output: { path: "brickyard-client", module: { extension: ".js" } },
  plugins: ["@hey-api/client-fetch", "@hey-api/sdk", "@hey-api/typescript"],
};
