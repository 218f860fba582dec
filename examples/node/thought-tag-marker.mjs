// Asks for the model's thoughts, between <think> and </think> in front of the answer.
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
  messages: [{ role: 'user', content: 'How many legs do three spiders have?' }],
  extra_body: {
    google: {
      thinking_config: { include_thoughts: true, thinking_budget: 1024 },
      thought_tag_marker: 'think',
    },
  },
});

console.log(JSON.stringify(completion, null, 2));
