// Signs in with Google credentials, asks twice, and keeps its sign-in fresh for as long as the program runs.
import { GoogleAuth } from 'google-auth-library';
import OpenAI from 'openai';

const parlanceUrl = process.env.PARLANCE_URL ?? 'http://127.0.0.1:8080';
const project = process.env.GOOGLE_CLOUD_PROJECT ?? 'my-project';
const location = process.env.GOOGLE_CLOUD_LOCATION ?? 'us-central1';

const auth = new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' });

const client = new OpenAI({
  baseURL: `${parlanceUrl}/v1/projects/${project}/locations/${location}/endpoints/openapi`,
  // Asked before each request: GoogleAuth gives the same token until that is about to expire.
  apiKey: async () => (await auth.getAccessToken()) ?? '',
});

const completion = await client.chat.completions.create({
  model: 'google/gemini-2.5-flash',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
});
console.log(JSON.stringify(completion));

const stream = await client.chat.completions.create({
  model: 'google/gemini-2.5-flash',
  messages: [{ role: 'user', content: 'Why is the sky red in the evening?' }],
  stream: true,
});
for await (const chunk of stream) console.log(JSON.stringify(chunk));
