// Asks a Gemini model and prints the whole answer.
import OpenAI from 'openai';

const parlanceUrl = process.env.PARLANCE_URL ?? 'http://127.0.0.1:8080';
const project = process.env.GOOGLE_CLOUD_PROJECT ?? 'my-project';
const location = process.env.GOOGLE_CLOUD_LOCATION ?? 'us-central1';

const client = new OpenAI({
  baseURL: `${parlanceUrl}/v1/projects/${project}/locations/${location}/endpoints/openapi`,
  apiKey: process.env.OPENAI_API_KEY ?? 'local',
});

const completion = await client.chat.completions.create({
  model: 'google/gemini-2.5-flash',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
});

console.log(JSON.stringify(completion, null, 2));
