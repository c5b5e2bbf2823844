// A Modbus server. Takes a port and an address, gives `listening`. Its holding registers keep what is
// written to them.
import Modbus from 'modbus-serial';

const [port, address] = process.argv.slice(2);
const registers = new Map();
const vector = {
  getHoldingRegister: (at) => registers.get(at) ?? 0,
  setRegister: (at, value) => void registers.set(at, value),
};
const server = new Modbus.ServerTCP(vector, { host: address, port: Number(port), unitID: 1 });
server.on('initialized', () => console.log('listening'));
server.on('socketError', () => undefined);
server.on('serverError', (error) => console.log(`error ${error.message}`));
