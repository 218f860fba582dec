import type { Backend } from '../backends/backend.ts';
import { globPattern } from '../glob-pattern.ts';
import type { RouteFamily } from '../translate/events/render-options.ts';
import type { ModelObject } from '../wire/openai/response.ts';
import { isModelName } from '../wire/openai/model-name.ts';
import { bareModelName, modelNameSpellings } from './model-name.ts';

export interface ModelRule {
  /** Glob on the model name a client asks for; `*` stands for any run of characters. */
  readonly match: string;
  readonly upstream: string;
}

export interface EndpointRule {
  readonly upstream: string;
  /** Name of the served model; the request's own when absent. */
  readonly model?: string | undefined;
}

export interface ModelRouterOptions {
  readonly backends: ReadonlyMap<string, Backend>;
  /** First match wins. */
  readonly models: readonly ModelRule[];
  /** By endpoint id; `*` for any other. */
  readonly endpoints: Readonly<Record<string, EndpointRule>>;
}

export interface Target {
  readonly backend: Backend;
  /** Model name without publisher or `models/` prefix, or that of the endpoint. */
  readonly model: string;
  /** Whether the endpoint's rule names the model. */
  readonly isModelFixed: boolean;
}

/** Which backend answers for which model name or endpoint id. Contract sections 1.2, 12 and 13. */
export class ModelRouter {
  readonly #backends: ReadonlyMap<string, Backend>;
  readonly #rules: readonly { pattern: RegExp; rule: ModelRule }[];
  // A map: an endpoint may be called `constructor`.
  readonly #endpoints: ReadonlyMap<string, EndpointRule>;

  constructor({ backends, models, endpoints }: ModelRouterOptions) {
    this.#backends = backends;
    this.#rules = models.map((rule) => ({ pattern: globPattern(rule.match), rule }));
    this.#endpoints = new Map(Object.entries(endpoints));
  }

  get backends(): readonly Backend[] {
    return [...this.#backends.values()];
  }

  /** The backend for a model name in any of its spellings. */
  forModel(asked: string): Target | undefined {
    const names = modelNameSpellings(asked);
    for (const { pattern, rule } of this.#rules) {
      if (!names.some((name) => pattern.test(name))) continue;
      const backend = this.#backends.get(rule.upstream);
      if (backend !== undefined) return { backend, model: bareModelName(asked), isModelFixed: false };
    }
    return undefined;
  }

  /** The backend behind an endpoint id. */
  forEndpoint(id: string, asked: string): Target | undefined {
    const rule = this.#endpoints.get(id) ?? this.#endpoints.get('*');
    const backend = rule === undefined ? undefined : this.#backends.get(rule.upstream);
    if (rule === undefined || backend === undefined) return undefined;
    return { backend, model: rule.model ?? bareModelName(asked), isModelFixed: rule.model !== undefined };
  }

  /** Models a client can name: those of the backends, and the rules that name one model. */
  list(family: RouteFamily): ModelObject[] {
    const listed = new Map<string, ModelObject>();
    const add = (name: string): void => {
      const model = this.#describe(name, family);
      if (model !== undefined) listed.set(model.id, model);
    };
    for (const { rule } of this.#rules) if (!rule.match.includes('*')) add(rule.match);
    for (const backend of this.backends) {
      for (const { id } of backend.models()) if (this.forModel(id)?.backend === backend) add(id);
    }
    return [...listed.values()];
  }

  /** One model as its object; `undefined` for a text that is no model name or that no rule matches. */
  describe(asked: string, family: RouteFamily): ModelObject | undefined {
    return isModelName(asked) ? this.#describe(asked, family) : undefined;
  }

  #describe(asked: string, family: RouteFamily): ModelObject | undefined {
    const target = this.forModel(asked);
    if (target === undefined) return undefined;
    const { backend } = target;
    const own = backend.models();
    const served = own.find(({ id }) => id === target.model) ?? own[0];
    return {
      id: idFor(asked, family),
      object: 'model',
      created: served?.created ?? 0,
      owned_by: served?.ownedBy ?? backend.kind,
      parlance: { upstream: backend.name, kind: backend.kind, model: served?.id ?? target.model },
    };
  }
}

function idFor(asked: string, family: RouteFamily): string {
  const bare = bareModelName(asked);
  switch (family) {
    case 'plain':
      return bare;
    case 'devapi':
      return `models/${bare}`;
    case 'vertex':
      return bare.includes('/') ? bare : `google/${bare}`;
  }
}
