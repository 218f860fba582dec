// As outlive_tokens.py, with google-auth-library: its time before the expiry is an option.
import { GoogleAuth } from 'google-auth-library';
import OpenAI from 'openai';

const [baseURL, threshold, calls, pause] = process.argv.slice(2);
const auth = new GoogleAuth({
  scopes: 'https://www.googleapis.com/auth/cloud-platform',
  clientOptions: { eagerRefreshThresholdMillis: Number(threshold) * 1000 },
});
let token;
const client = new OpenAI({
  baseURL,
  maxRetries: 0,
  apiKey: async () => (token = await auth.getAccessToken()),
});
for (let call = 0; call < Number(calls); call += 1) {
  if (call > 0) await new Promise((resolve) => setTimeout(resolve, Number(pause) * 1000));
  const { data, response } = await client.chat.completions
    .create({ model: 'google/gemini-2.5-flash', messages: [{ role: 'user', content: 'Why?' }] })
    .withResponse();
  console.log(JSON.stringify({ token, status: response.status, text: data.choices[0].message.content }));
}
