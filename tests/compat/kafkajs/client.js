// kafkajs: `produce BOOTSTRAP FILE TOPIC:CODEC...` sends FILE's lines to each topic. It reads in groups only, so it does not read here.
const fs = require("fs");
const { CompressionTypes, Kafka, logLevel } = require("kafkajs");

const CODECS = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP };
const BATCH = 500;

function linesOf(file) {
  const lines = [];
  const data = fs.readFileSync(file);
  for (let at = 0; at < data.length; ) {
    const end = data.indexOf(10, at);
    lines.push(data.subarray(at, end < 0 ? data.length : end));
    at = end < 0 ? data.length : end + 1;
  }
  return lines;
}

async function main() {
  const [action, bootstrap, file, ...targets] = process.argv.slice(2);
  if (action !== "produce") throw new Error(`no such action: ${action}`);
  const lines = linesOf(file);
  const kafka = new Kafka({ clientId: "compat", brokers: [bootstrap], logLevel: logLevel.ERROR });
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (const target of targets) {
    const [topic, codec] = target.split(":");
    for (let at = 0; at < lines.length; at += BATCH) {
      const messages = lines.slice(at, at + BATCH).map((value) => ({ value, partition: 0 }));
      await producer.send({ topic, acks: -1, compression: CODECS[codec], messages });
    }
  }
  await producer.disconnect();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
