// Lets the model call a function of this program, then answer with its result.
import OpenAI from 'openai';

const parlanceUrl = process.env.PARLANCE_URL ?? 'http://127.0.0.1:8080';
const project = process.env.GOOGLE_CLOUD_PROJECT ?? 'my-project';
const location = process.env.GOOGLE_CLOUD_LOCATION ?? 'us-central1';

const client = new OpenAI({
  baseURL: `${parlanceUrl}/v1/projects/${project}/locations/${location}/endpoints/openapi`,
  apiKey: process.env.OPENAI_API_KEY ?? 'local',
});

const getWeather = ({ city }) => ({ city, sky: 'clear', celsius: 4 });

const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'The weather in a city right now.',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string', maxLength: 40 } },
        required: ['city'],
        additionalProperties: false,
      },
    },
  },
];
const messages = [{ role: 'user', content: 'What is the weather in Oslo?' }];

const question = await client.chat.completions.create({
  model: 'google/gemini-2.5-flash',
  messages,
  tools,
  tool_choice: 'required',
  parallel_tool_calls: false,
});
console.log(JSON.stringify(question));

// The message goes back as it came: a call of Gemini 3 carries a signature that the next request must contain.
messages.push(question.choices[0].message);
for (const call of question.choices[0].message.tool_calls) {
  const result = getWeather(JSON.parse(call.function.arguments));
  messages.push({ role: 'tool', tool_call_id: call.id, content: JSON.stringify(result) });
}

const answer = await client.chat.completions.create({
  model: 'google/gemini-2.5-flash',
  messages,
  tools,
  tool_choice: 'none',
});
console.log(JSON.stringify(answer));
