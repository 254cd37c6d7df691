"""A model service's view of the online store: redis-py, and nothing of Millrace. Arguments: the server's URL, the key."""
import json
import sys

import redis

url, key = sys.argv[1:]
r = redis.Redis.from_url(url)
features = {name.decode("utf-8"): value.decode("utf-8") for name, value in r.hgetall(key).items()}
if "transaction_count_last_5_min" in features:
    features["transaction_count_last_5_min"] = int(features["transaction_count_last_5_min"])
json.dump(features, sys.stdout)
