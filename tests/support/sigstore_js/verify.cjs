// What sigstore-js says about bundles: one JSON document a line in, one a line out.
//
// In: {root, bundle} (texts), blob (base64, or null for an envelope), key (PEM for a bundle without a certificate), identity,
// issuer. Out: {accepted, code, message}. Thresholds are those its own CLI and npm use: one of each.
'use strict';
const { createInterface } = require('node:readline');
const { createPublicKey } = require('node:crypto');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

function judge(asked) {
  const keys = asked.key && (() => ({ publicKey: createPublicKey(asked.key), validFor: () => true }));
  const root = TrustedRoot.fromJSON(JSON.parse(asked.root));
  const verifier = new Verifier(toTrustMaterial(root, keys || undefined), {
    tlogThreshold: 1,
    ctlogThreshold: 1,
    timestampThreshold: 1,
  });
  const blob = asked.blob === null ? undefined : Buffer.from(asked.blob, 'base64');
  const policy = asked.identity && {
    subjectAlternativeName: asked.identity,
    extensions: { issuer: asked.issuer },
  };
  verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(asked.bundle)), blob), policy || undefined);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  let said = { accepted: true, code: '', message: '' };
  try {
    judge(JSON.parse(line));
  } catch (error) {
    said = { accepted: false, code: error.code || error.name, message: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
});
