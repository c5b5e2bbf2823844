// A TCP server that shows the byte streams it receives. Takes a port and an address to listen on; a connection is known by its client's
// port. Prints `open PORT`, `got PORT HEX` for what arrived so far, `end PORT`; answers every piece with bytes that are no message of anything,
// or with nothing if a third word is `silent`.
import { createServer } from 'node:net';

const [port, address, manner] = process.argv.slice(2);
const answer = Buffer.from('000100000006010600010001474554202f20485454502f312e310d0a0d0a', 'hex');
const server = createServer((socket) => {
  const peer = socket.remotePort;
  let stream = Buffer.alloc(0);
  console.log(`open ${peer}`);
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    stream = Buffer.concat([stream, bytes]);
    console.log(`got ${peer} ${stream.toString('hex')}`);
    if (manner !== 'silent') socket.write(answer);
  });
  socket.on('end', () => console.log(`end ${peer}`));
});
server.listen(Number(port), address, () => console.log('listening'));
