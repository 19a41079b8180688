'use strict';
// Runs a TypeScript entry point of this repository on a fresh clone. Plain JavaScript for old Nodes and without
// dependencies, because nothing is installed yet when it starts:
//   1. node_modules is brought in step with package-lock.json (`npm ci`), once per lock file and platform;
//   2. the entry point runs on the Node that the project itself installs (the npm package `node`).
// Usage: node tools/bootstrap.cjs ENTRY.ts [ARGUMENT ...]
var childProcess = require('child_process');
var crypto = require('crypto');
var fs = require('fs');
var path = require('path');

var root = path.resolve(__dirname, '..');
var modules = path.join(root, 'node_modules');
var stampFile = path.join(modules, '.leaseholder-installed');
var projectNode = path.join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** Identifies what an installation depends on: the lock file, the system and the processor. */
function wantedStamp() {
  var hash = crypto.createHash('sha256');
  hash.update(fs.readFileSync(path.join(root, 'package-lock.json')));
  hash.update(fs.readFileSync(path.join(root, 'package.json')));
  return hash.digest('hex') + ' ' + process.platform + '-' + process.arch;
}

function installedStamp() {
  var complete = fs.existsSync(projectNode) && fs.existsSync(stampFile);
  return complete ? fs.readFileSync(stampFile, 'utf8').trim() : '';
}

function install(stamp) {
  console.error('Installing dependencies (npm ci) ...');
  var npm = process.env.npm_execpath;
  var useNode = npm && /\.c?js$/.test(npm);
  var command = useNode ? process.execPath : 'npm';
  var args = (useNode ? [npm] : []).concat(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  var result = childProcess.spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) {
    console.error('npm ci failed. Check that the npm registry can be reached, then run the command again.');
    process.exit(1);
  }
  fs.writeFileSync(stampFile, stamp + '\n');
}

function run(entry, args) {
  var environment = Object.assign({}, process.env);
  environment.PATH = path.join(modules, '.bin') + path.delimiter + (process.env.PATH || '');
  var child = childProcess.spawn(projectNode, [path.resolve(root, entry)].concat(args), {
    stdio: 'inherit',
    env: environment,
  });
  // A terminal sends Ctrl-C to both processes; a supervisor sends SIGTERM to this one only.
  process.on('SIGINT', function () {});
  process.on('SIGTERM', function () {
    child.kill('SIGTERM');
  });
  child.on('exit', function (code, signal) {
    process.exit(signal ? 1 : code);
  });
}

if (process.argv.length < 3) {
  console.error('usage: node tools/bootstrap.cjs ENTRY.ts [ARGUMENT ...]');
  process.exit(2);
}
var stamp = wantedStamp();
if (installedStamp() !== stamp) install(stamp);
run(process.argv[2], process.argv.slice(3));
