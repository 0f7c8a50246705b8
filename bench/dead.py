"""Half a million kept dead letters, in a minute.

One message that was refused, copied with all that Redis keeps of it.
"""

from typing import Final

from bench.campaign import PATIENCE_S, phones
from bench.children import wait
from bench.stack import Stack
from worker.supervisor.child import Running

REFUSED: Final = "9999"
"""The template that the sandbox refuses, when it is told so by `FLAGS`."""

FLAGS: Final = {"template_codes": {REFUSED: "FailedOperation.PhoneNumberInBlacklist"}}
AT_ONCE: Final = 1_000
FIRST_BLOCK: Final = 1 << 39
"""Of the copies; their names are in half of the room from which chance takes the others."""

# Inside Redis: half a million real refusals would take the service half an hour.
_COPY: Final = """
local job, block = redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2])
local job_stem, block_stem, id, block_id, first, count, field, counter = unpack(ARGV)
-- Most fields name neither, and looking for both in each would be most of the work.
local function naming(fields)
  local places = {}
  for i, text in ipairs(fields) do
    if string.find(text, id, 1, true) or string.find(text, block_id, 1, true) then places[i] = text end
  end
  return places
end
local of_job, of_block = naming(job), naming(block)
local function copy(fields, places, key, new_id, new_block)
  for i, text in pairs(places) do fields[i] = string.gsub(string.gsub(text, id, new_id), block_id, new_block) end
  redis.call('HSET', key, unpack(fields))
end
local scores = {}
for k = 3, 5 do scores[k] = redis.call('ZSCORE', KEYS[k], id) end
for nth = first, first + count - 1 do
  local new_id = string.sub(id, 1, 9) .. string.format('%09d', nth)
  local new_block = string.format('%.0f', block_id % 1 + BLOCK + nth)
  copy(job, of_job, job_stem .. new_id, new_id, new_block)
  copy(block, of_block, block_stem .. new_block, new_id, new_block)
  for k = 3, 5 do if scores[k] then redis.call('ZADD', KEYS[k], scores[k], new_id) end end
  redis.call('HSET', KEYS[6], string.gsub(field, id, new_id), 1)
end
redis.call('HINCRBY', KEYS[7], counter, count)
""".replace("BLOCK", str(FIRST_BLOCK))


def make(stack: Stack, running: list[Running], count: int) -> None:
    """Keep so many dead letters, each a job of one message. The sandbox must have `FLAGS`.

    Raises:
        BenchFailed: The one that is copied does not come about.
    """
    keys, redis = stack.ledger.keys, stack.ledger.redis
    (phone,) = phones(1, 8613500000000)
    job = stack.client.send(to=phone, template=REFUSED, lane="notify")
    wait(lambda: redis.hget(keys.job(job), "only"), "a refused message to be closed and small", running, PATIENCE_S)
    block = redis.hget(keys.job(job), "only").split(b":")[0].decode()
    (field,) = (name for name, _ in redis.hscan_iter(keys.dead, match=f"* {job} *"))
    account, code, _, letter = field.decode().split(" ")
    counter = f"d|{account}|{code}|{letter}"
    key_list = [keys.job(job), keys.block(block), keys.jobs, keys.closing, keys.expire, keys.dead, keys.stats]
    stems = [keys.job(""), keys.block("")]
    # A thousand at a time, so that the workers' own scripts wait for some
    # 10 ms and not for seconds.
    for first in range(1, count, AT_ONCE):
        redis.eval(_COPY, 7, *key_list, *stems, job, block, first, min(AT_ONCE, count - first), field, counter)
