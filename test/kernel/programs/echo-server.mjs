// A TCP server that answers every line with itself. Takes a port and an address to listen on, gives one line per connection.
import { createServer } from 'node:net';

const [port, address] = process.argv.slice(2);
const server = createServer((socket) => {
  console.log(`connection from ${socket.remoteAddress}`);
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => socket.write(bytes));
});
server.listen(Number(port), address, () => console.log('listening'));
