// A TCP client that writes chosen segments. Takes address and port; reads lines `open PORT` (its own port), `write PORT HEX` (one segment),
// `end PORT`. Prints `opened PORT`, `answered PORT BYTES` with the number of bytes so far, `closed PORT`.
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [address, port] = process.argv.slice(2);
const sockets = new Map();

function open(own) {
  const socket = connect({ host: address, port: Number(port), localPort: Number(own), noDelay: true });
  let bytes = 0;
  sockets.set(own, socket);
  socket.on('connect', () => console.log(`opened ${own}`));
  socket.on('data', (some) => console.log(`answered ${own} ${(bytes += some.length)}`));
  socket.on('error', (error) => console.log(`error ${own} ${error.code}`));
  socket.on('end', () => console.log(`closed ${own}`));
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, own, hex] = line.split(' ');
  if (word === 'open') open(own);
  else if (word === 'write') sockets.get(own).write(Buffer.from(hex, 'hex'));
  else sockets.get(own).end();
});
