// Sends a field that OpenAI's API lacks and model servers know: top_k, how many tokens the model chooses from.
import OpenAI from 'openai';

const parlanceUrl = process.env.PARLANCE_URL ?? 'http://127.0.0.1:8080';
const project = process.env.GOOGLE_CLOUD_PROJECT ?? 'my-project';
const location = process.env.GOOGLE_CLOUD_LOCATION ?? 'us-central1';
const endpoint = process.env.ENDPOINT ?? '1234567890';

const client = new OpenAI({
  baseURL: `${parlanceUrl}/v1/projects/${project}/locations/${location}/endpoints/${endpoint}`,
  apiKey: process.env.OPENAI_API_KEY ?? 'local',
});

const completion = await client.chat.completions.create({
  model: process.env.MODEL_ID ?? 'gemma-2-9b-it',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
  max_tokens: 50,
  top_k: 1,
});

console.log(JSON.stringify(completion, null, 2));
