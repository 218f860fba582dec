// Prints how sure the model was of each token, and what else it considered.
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
  messages: [{ role: 'user', content: 'What is the capital of France?' }],
  max_tokens: 12,
  logprobs: true,
  top_logprobs: 3,
});

const show = ({ token, logprob }) => `${JSON.stringify(token)} ${Math.round(Math.exp(logprob) * 100)}%`;
for (const choice of completion.choices[0].logprobs.content) {
  console.log(`${show(choice)}  of  ${choice.top_logprobs.map(show).join(', ')}`);
}
