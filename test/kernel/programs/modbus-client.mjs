// A Modbus client on one connection. Takes an address and a port; writes a number to a register, reads it back and prints `round N`, again
// and again; prints `silent` for each request that is not answered in 300 ms. Ends on any line of standard input.
import Modbus from 'modbus-serial';

const [address, port] = process.argv.slice(2);
const client = new Modbus();
client.on('error', () => undefined);
await client.connectTCP(address, { port: Number(port) });
client.setID(1);
client.setTimeout(300);
console.log('connected');
process.stdin.once('data', () => process.exit(0));
for (let round = 1; ; round += 1) {
  try {
    await client.writeRegister(7, round % 65536);
    const { data } = await client.readHoldingRegisters(7, 1);
    // An answer that comes after its time belongs to an earlier round.
    console.log(data[0] === round % 65536 ? `round ${round}` : 'late');
  } catch (error) {
    console.log(`silent ${error.message ?? error}`);
  }
  await new Promise((resolve) => setTimeout(resolve, 3));
}
