// Moves, skips and lists with the vendor's published client; prints what each answer shows, as one JSON object.
// usage: node client.cjs FOLDER-OF-node_modules URL TOKEN JWT ENVIRONMENT STAGE-A STAGE-B SERVICE
"use strict";
const [modules, basePath, token, jwt, environment, stageA, stageB, service] = process.argv.slice(2);
const { Configuration, DeploymentStageMainCallsApi } = require(`${modules}/qovery-typescript-axios`);

const withToken = new DeploymentStageMainCallsApi(new Configuration({ basePath, apiKey: `Token ${token}` }));
const withJwt = new DeploymentStageMainCallsApi(new Configuration({ basePath, accessToken: jwt }));

// Where the service is, and whether it is skipped, in a list of stages.
function place(stages) {
  const found = stages.flatMap((stage) =>
    (stage.services ?? []).filter((entry) => entry.service_id === service).map((entry) => [stage.id, entry.is_skipped]));
  return found.length === 1 ? found[0] : found;
}

async function main() {
  const seen = {};
  const list = async () => place((await withJwt.listEnvironmentDeploymentStage(environment)).data.results);
  const put = async (stage, body) => (await withToken.attachServiceToDeploymentStage(stage, service, body)).data.results;
  seen.moved = place(await put(stageB));
  seen.listedAfterMove = await list();
  seen.skipped = place(await put(stageB, { is_skipped: true }));
  seen.listedAfterSkip = await list();
  seen.movedBack = place(await put(stageA, {}));
  seen.ofService = (await withJwt.getServiceDeploymentStage(service)).data.id;
  seen.ofStage = place([(await withToken.getDeploymentStage(stageA)).data]);
  const made = (await withToken.createEnvironmentDeploymentStage(environment, { name: "made by a client" })).data;
  seen.made = made.name;
  seen.deleted = (await withToken.deleteDeploymentStage(made.id)).status;
  seen.unknown = await withToken
    .attachServiceToDeploymentStage(environment, service)
    .then((answer) => answer.status, (error) => error.response.status);
  seen.nobody = await new DeploymentStageMainCallsApi(new Configuration({ basePath }))
    .listEnvironmentDeploymentStage(environment)
    .then((answer) => answer.status, (error) => error.response.status);
  console.log(JSON.stringify(seen));
}

main().catch((error) => {
  console.error(error.message, error.response?.status, error.response?.data);
  process.exit(1);
});
