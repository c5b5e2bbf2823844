// A TCP client that asks again as soon as it was answered. Takes address, port and a pause in ms, prints `answer N` for each and
// `silent` when an answer stays out for 400 ms. Ends on any line of standard input, or with its connection.
import { connect } from 'node:net';

const [address, port, pause] = process.argv.slice(2);
const socket = connect({ host: address, port: Number(port), noDelay: true });
let number = 0;
let silence;

function ask() {
  number += 1;
  silence = setTimeout(() => console.log(`silent after ${number - 1}`), 400);
  socket.write(`${number}\n`);
}

socket.setEncoding('utf8');
socket.on('connect', () => {
  console.log('connected');
  ask();
});
socket.on('data', (text) => {
  clearTimeout(silence);
  if (text !== `${number}\n`) throw new Error(`asked ${number}, answered ${String(text)}`);
  console.log(`answer ${number}`);
  setTimeout(ask, Number(pause));
});
socket.on('error', (error) => {
  console.log(`error ${error.code}`);
  process.exit(1);
});
process.stdin.once('data', () => process.exit(0));
