/**
 * The server side of an upsert, as a Redis Function: one call applies a batch, each write alone and whole. The library's name
 * carries a hash of its source, so that workers of two versions live side by side.
 */
import { hash64 } from '../../util/hash.ts';

/**
 * KEYS: the hashes. ARGV: bookkeeping field, number of fields, the fields, then per key generation, position, T and the values, each
 * with '=' before it, or '' for null. Returns the server's time, then per key '' (applied now) or
 * 'applied:generation:position:visible-at' of what is stored. Numbers stay below 2^53, where Lua's doubles are exact.
 */
const body = `
local function upsert(keys, args)
  local time = redis.call('TIME')
  local now = string.format('%.0f', time[1] * 1000000 + time[2])
  local book, fields = args[1], tonumber(args[2])
  local reply = {now}
  local at = 2 + fields
  for i, key in ipairs(keys) do
    local generation, position, as_of = args[at + 1], args[at + 2], args[at + 3]
    local stored = redis.call('HGET', key, book)
    local visible, answer = now, ''
    local refused = false
    if stored then
      local g, p, v = string.match(stored, '^(%d+):(%d+):[^:]*:(%d+)$')
      if not g then return redis.error_reply('MILLRACE the field ' .. book .. ' of ' .. key .. ' was not written by Millrace') end
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
        if value == '' then gone[#gone + 1] = args[2 + f]
        else set[#set + 1] = args[2 + f]; set[#set + 1] = string.sub(value, 2) end
      end
      redis.call('HSET', key, unpack(set))
      if stored and #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
    end
    reply[i + 1] = answer
    at = at + 3 + fields
  end
  return reply
end
`;

const id = `millrace_upsert_${hash64(body)}`;

export const upsertFunction = {
  name: id,
  source: `#!lua name=${id}\n${body}\nredis.register_function('${id}', upsert)\n`,
} as const;
