-- Takes the next batch of which the API left people out who are not named; others may after a pause
-- that doubles, and nobody while the API asked for a pause. Replies {} or {id, n, tries, message, lists, packed recipients, fates, progress of the
-- upload to a list, JSON of [left out, blacklisted, duplicated]}.
if is_limited() then return {} end
local name = redis.call('ZRANGEBYSCORE', key(K.unnamed), '-inf', now, 'LIMIT', 0, 1)[1]
if not name then return {} end
local id, n = string.match(name, '^(.*)/(%d+)$')
local batch = key(K.batch, id, n)
local tries = redis.call('HINCRBY', batch, 'name_tries', 1)
local pause = math.min(NAME_AFTER_MS * 2 ^ math.min(tries, 20), NAME_AT_LEAST_EVERY_MS)
redis.call('ZADD', key(K.unnamed), now + pause, name)
local f = redis.call('HMGET', key(K.campaign, id), 'message', 'lists')
local packed = redis.call('HGET', key(K.recipients, id), n)
if not packed then
  redis.call('ZREM', key(K.unnamed), name)
  return {}
end
return { id, n, tries, f[1], f[2] or '[]', packed, fates_of(id, tonumber(n)),
  redis.call('HGET', key(K.lists, id), n) or '', redis.call('HGET', batch, 'unnamed') or '' }
