// Reads tarballs with the tar library that npm carries: one JSON request per line in, one JSON answer per line out.
// argv[2]: npm's own node_modules. Request: {"archive": FILE, "folder": EMPTY FOLDER, "chunk": BYTES or 0}.
'use strict'
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const { basename, join } = require('node:path')
const { createInterface } = require('node:readline')
const tar = require(join(process.argv[2], 'tar'))

const sha512 = bytes => createHash('sha512').update(bytes).digest('hex')

// What pacote passes (lib/fetcher.js, #tarxOptions), ownership and the package's bins aside.
function options (cwd, warnings) {
  const sawIgnores = new Set()
  return {
    cwd,
    strip: 1,
    noChmod: true,
    noMtime: true,
    preserveOwner: false,
    umask: 0o22,
    onwarn: (code, message) => warnings.push(`${code}: ${message}`),
    filter: (name, entry) => {
      if (/Link$/.test(entry.type)) return false
      entry.mode = ((entry.mode | (/File$/.test(entry.type) ? 0o666 : 0o777)) & ~0o22) | 0o600
      if (/File$/.test(entry.type)) {
        const base = basename(entry.path)
        if (base === '.npmignore') {
          sawIgnores.add(entry.path)
        } else if (base === '.gitignore') {
          const renamed = entry.path.replace(/\.gitignore$/, '.npmignore')
          if (sawIgnores.has(renamed)) return false
          entry.path = renamed
        }
        return true
      }
    },
  }
}

function feed (parser, data, chunk) {
  return new Promise((resolve, reject) => {
    parser.on('end', resolve)
    parser.on('error', reject)
    for (let at = 0; at < data.length; at += chunk) parser.write(data.subarray(at, at + chunk))
    parser.end()
  })
}

function walk (folder, prefix, found) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) walk(path, `${prefix}${entry.name}/`, found)
    else found[prefix + entry.name] = entry.isFile() ? sha512(fs.readFileSync(path)) : 'not a file'
  }
  return found
}

async function read ({ archive, folder, chunk }) {
  const data = fs.readFileSync(archive)
  const size = chunk || data.length
  const warnings = []
  const listed = []
  const lister = new tar.Parser({
    onwarn: (code, message) => warnings.push(`${code}: ${message}`),
    onReadEntry: entry => {
      const pieces = []
      entry.on('data', piece => pieces.push(piece))
      entry.on('end', () => listed.push([entry.type, entry.path, sha512(Buffer.concat(pieces))]))
    },
  })
  await feed(lister, data, size)
  await feed(new tar.Unpack(options(folder, warnings)), data, size)
  const extracted = walk(folder, '', {})
  fs.rmSync(folder, { recursive: true, force: true })
  return { listed, extracted, warnings }
}

async function main () {
  for await (const line of createInterface({ input: process.stdin })) {
    let answer
    try {
      answer = await read(JSON.parse(line))
    } catch (error) {
      answer = { error: String(error) }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
}

main()
