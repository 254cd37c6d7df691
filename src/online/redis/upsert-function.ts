/**
 * The server side of an upsert, as a Redis Function: one call applies a batch, each write alone and whole. The library's name
 * carries a hash of its source, so that workers of two versions live side by side.
 */
import { hash64 } from '../../util/hash.ts';

/**
 * KEYS: the hashes, view after view, then the canaries' keys. ARGV: number of canaries, for each the expected position or '' and its
 * own; then for each view its bookkeeping field, number of hashes, number of fields, the fields, and per hash generation, position,
 * T and the values, each with '=' before it, or '' for null. Returns the server's time, then per hash '' (applied now) or
 * 'applied:generation:position:visible-at' of what is stored, then per canary the position found or ''. Whatever is refused raises
 * no canary. Numbers stay below 2^53, where Lua's doubles are exact.
 */
const body = `
local function foreign(what)
  return redis.error_reply('MILLRACE the ' .. what .. ' was not written by Millrace')
end

local function upsert(keys, args)
  local time = redis.call('TIME')
  local now = string.format('%.0f', time[1] * 1000000 + time[2])
  local reply, held = {now}, {}
  local canaries = tonumber(args[1])
  local hashes = #keys - canaries
  for i = hashes + 1, #keys do
    local found = redis.call('GET', keys[i])
    if found and not string.match(found, '^%-?%d+%.?%d*$') then return foreign('key ' .. keys[i]) end
    reply[i + 1] = found or ''
    held[keys[i]] = found and tonumber(found) or -math.huge
  end
  local i, at = 0, 2 * canaries + 1
  while i < hashes do
    local book, last, fields, names = args[at + 1], i + tonumber(args[at + 2]), tonumber(args[at + 3]), at + 3
    at = names + fields
    while i < last do
      i = i + 1
      local key, generation, position, as_of = keys[i], args[at + 1], args[at + 2], args[at + 3]
      local stored = redis.call('HGET', key, book)
      local visible, answer = now, ''
      local refused = false
      if stored then
        local g, p, v = string.match(stored, '^(%d+):(%d+):[^:]*:(%d+)$')
        if not g then return foreign('field ' .. book .. ' of ' .. key) end
        local newer = tonumber(generation) - tonumber(g)
        if newer == 0 then newer = tonumber(position) - tonumber(p) end
        refused = newer < 0
        if newer == 0 then visible = v end
        if newer <= 0 then answer = (refused and '0:' or '1:') .. g .. ':' .. p .. ':' .. v end
      end
      if not refused then
        local set, gone = {book, generation .. ':' .. position .. ':' .. as_of .. ':' .. visible}, {}
        for f = 1, fields do
          local value = args[at + 3 + f]
          if value == '' then gone[#gone + 1] = args[names + f]
          else set[#set + 1] = args[names + f]; set[#set + 1] = string.sub(value, 2) end
        end
        redis.call('HSET', key, unpack(set))
        if stored and #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
      end
      reply[i + 1] = answer
      at = at + 3 + fields
    end
  end
  for c = 1, canaries do
    local key, expected, position = keys[hashes + c], tonumber(args[2 * c]), tonumber(args[2 * c + 1])
    if held[key] < position and not (expected and held[key] < expected) then
      redis.call('SET', key, args[2 * c + 1])
      held[key] = position
    end
  end
  return reply
end
`;

const id = `millrace_upsert_${hash64(body)}`;

export const upsertFunction = {
  name: id,
  source: `#!lua name=${id}\n${body}\nredis.register_function('${id}', upsert)\n`,
} as const;
