// Lets the SDK check the answer against a zod schema and hand it over as an object.
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

const parlanceUrl = process.env.PARLANCE_URL ?? 'http://127.0.0.1:8080';
const project = process.env.GOOGLE_CLOUD_PROJECT ?? 'my-project';
const location = process.env.GOOGLE_CLOUD_LOCATION ?? 'us-central1';

const client = new OpenAI({
  baseURL: `${parlanceUrl}/v1/projects/${project}/locations/${location}/endpoints/openapi`,
  apiKey: process.env.OPENAI_API_KEY ?? 'local',
});

const CalendarEvent = z.object({
  name: z.string(),
  date: z.string(),
  participants: z.array(z.string()),
});

const completion = await client.chat.completions.parse({
  model: 'google/gemini-2.5-flash',
  messages: [
    { role: 'system', content: 'Extract the event information.' },
    { role: 'user', content: 'Alice and Bob are going to a science fair on Friday.' },
  ],
  response_format: zodResponseFormat(CalendarEvent, 'event'),
  temperature: 0,
});

console.log(JSON.stringify(completion.choices[0].message.parsed));
