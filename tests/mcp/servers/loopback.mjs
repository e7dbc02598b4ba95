// Preloaded into server-everything, which would listen on all interfaces.
import net from 'node:net';

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (...words) {
  const [first, ...rest] = words;
  if (typeof first === 'number' || typeof first === 'string') {
    return listen.call(this, { port: Number(first), host: '127.0.0.1' }, ...rest.filter((word) => typeof word === 'function'));
  }
  return listen.call(this, { ...first, host: '127.0.0.1' }, ...rest);
};
