import { describe, expect, it } from 'vitest';
import { projectOf } from '../../../src/auth/inbound/google-account.ts';

describe('projectOf', () => {
  it.each([
    { email: 'robot@my-project.iam.gserviceaccount.com', project: 'my-project' },
    { email: 'robot@proj.example.com.iam.gserviceaccount.com', project: 'example.com:proj' },
    { email: 'my-project@appspot.gserviceaccount.com', project: 'my-project' },
    { email: '123-compute@developer.gserviceaccount.com', project: '123' },
    { email: 'x-compute@developer.gserviceaccount.com', project: undefined },
    { email: '123@cloudservices.gserviceaccount.com', project: undefined },
    { email: 'robot@iam.gserviceaccount.com', project: undefined },
    { email: 'robot@my-project.iam.gserviceaccount.com.evil.com', project: undefined },
    { email: 'my-project@gmail.com', project: undefined },
  ])('finds $project in $email', ({ email, project }) => {
    expect(projectOf(email)).toBe(project);
  });
});
