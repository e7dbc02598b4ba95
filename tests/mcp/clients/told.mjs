// A client that does what it is told, in lines as told.py describes them.
import { createInterface } from 'node:readline';

export const say = (line) => console.log(JSON.stringify(line));

export const follow = async (client) => {
  say({ ready: true });
  const answers = [];
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, tool, arguments: given } = JSON.parse(line);
    const asking = tool
      ? client.callTool({ name: tool, arguments: given }).then(({ content }) => content[0].text)
      : client.listTools().then(({ tools }) => `${tools.length}`);
    answers.push(
      asking.then(
        (text) => say({ id, text }),
        (error) => say({ id, error: `${error.name}: ${error.message}` }),
      ),
    );
  }
  await Promise.allSettled(answers);
  await client.close();
};
