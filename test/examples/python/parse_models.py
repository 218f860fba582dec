"""Prints what parse() makes of answers to nested pydantic models, through both of its names."""

import json
from enum import Enum
from typing import Annotated, Optional

from openai import OpenAI
from pydantic import BaseModel, Field

client = OpenAI()


class Difficulty(str, Enum):
    easy = "easy"
    hard = "hard"


class Ingredient(BaseModel):
    name: Annotated[str, Field(max_length=15)]
    grams: Optional[Annotated[int, Field(ge=1, le=999)]]


class Recipe(BaseModel):
    title: Annotated[str, Field(max_length=30)]
    difficulty: Difficulty
    vegan: bool
    ingredients: Annotated[list[Ingredient], Field(min_length=1, max_length=3)]
    note: Optional[Annotated[str, Field(max_length=20)]]


def summary(parse) -> dict:
    completion = parse(
        model="google/gemini-2.5-pro",
        messages=[{"role": "user", "content": "A recipe for pancakes."}],
        response_format=Recipe,
    )
    recipe = completion.choices[0].message.parsed
    return {
        "types": [
            type(recipe).__name__,
            type(recipe.difficulty).__name__,
            *{type(ingredient).__name__ for ingredient in recipe.ingredients},
        ],
        "recipe": recipe.model_dump(mode="json"),
        "finish_reason": completion.choices[0].finish_reason,
    }


print(json.dumps([summary(client.beta.chat.completions.parse), summary(client.chat.completions.parse)]))
