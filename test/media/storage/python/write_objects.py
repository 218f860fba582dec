"""Writes objects with Google's own client, in every way it has, and tells what it wrote: name, length and SHA-256.

Usage: write_objects.py BUCKET, with STORAGE_EMULATOR_HOST set
"""

import gzip
import hashlib
import io
import json
import random
import sys

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

KIB = 1024

client = storage.Client(project="any-project", credentials=AnonymousCredentials())
bucket = client.create_bucket(sys.argv[1])
content = random.Random(1).randbytes
written = []


def note(way, blob, data):
    written.append(
        {
            "way": way,
            "uri": f"gs://{bucket.name}/{blob.name}",
            "contentType": blob.content_type,
            "length": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    )


small = content(10 * KIB)
blob = bucket.blob("folder/a picture #1?&=%2F+ ü 写真 😀.png")
blob.upload_from_string(small, content_type="image/png")
note("at once", blob, small)

empty = bucket.blob("empty")
empty.upload_from_string(b"")
note("empty", empty, b"")

large = content(1000 * KIB + 1)
blob = bucket.blob("large.mp3", chunk_size=256 * KIB)
# Told the size, the client would send everything at once.
blob.upload_from_file(io.BytesIO(large), content_type="audio/mpeg")
note("resumable, in pieces", blob, large)

blob = bucket.blob("stream")
with blob.open("wb", chunk_size=256 * KIB, content_type="video/mp4") as stream:
    stream.write(large)
blob.reload()
note("resumable, as a stream", blob, large)

text = b"The same words, again and again. " * 4000
for name, cache_control in [("transcoded.txt", None), ("as-stored.txt", "no-transform")]:
    blob = bucket.blob(name)
    blob.content_encoding = "gzip"
    blob.cache_control = cache_control
    blob.upload_from_string(gzip.compress(text), content_type="text/plain")
    note(f"compressed, {cache_control}", blob, text)

gone = bucket.blob("gone")
gone.upload_from_string("x")
gone.delete()

print(
    json.dumps(
        {
            "written": written,
            "listed": [blob.name for blob in client.list_blobs(bucket)],
            "inFolder": [blob.name for blob in client.list_blobs(bucket, prefix="folder/")],
            "goneExists": gone.exists(),
            "readBack": hashlib.sha256(bucket.blob("large.mp3").download_as_bytes()).hexdigest(),
        }
    )
)
