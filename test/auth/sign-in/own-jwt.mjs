// Signs in with a key file and without asking anybody: the account signs what it sends. Argument: the base URL.
import { GoogleAuth } from 'google-auth-library';
import OpenAI from 'openai';

const auth = new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/cloud-platform' });
const account = await auth.getClient();
account.useJWTAccessWithScope = true;

const client = new OpenAI({
  baseURL: process.argv[2],
  apiKey: async () => {
    const headers = await account.getRequestHeaders();
    return headers.get('authorization').replace('Bearer ', '');
  },
});
const { choices } = await client.chat.completions.create({
  model: 'google/gemini-2.5-flash',
  messages: [{ role: 'user', content: 'Why is the sky blue?' }],
});
console.log(choices[0].message.content);
