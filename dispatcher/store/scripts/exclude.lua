-- Gives recipients of an accepted batch whom the API did not send to a fate of their own.
-- ARGV: id, n, exclusions (msgpack of {place in the batch, fate byte, ...}).
local id, n = ARGV[1], tonumber(ARGV[2])
local exclusions, first = cmsgpack.unpack(ARGV[3]), span(id, n)
for i = 1, #exclusions, 2 do
  local position = first + exclusions[i]
  if redis.call('GETRANGE', key(K.fates, id), position, position) == '\0' then
    set_fate(id, n, position, exclusions[i + 1])
  end
end
local unnamed = redis.call('HGET', key(K.batch, id, n), 'unnamed')
if unnamed and unnamed ~= '' then
  -- Empty rather than gone, so that the outcome of the POST, recorded twice, does not ask again.
  redis.call('HSET', key(K.batch, id, n), 'unnamed', '')
  redis.call('HINCRBY', key(K.campaign, id), 'unnamed', minus(cjson.decode(unnamed)[1]))
  redis.call('ZREM', key(K.unnamed), id .. '/' .. n)
end
progress(id)
return redis.call('HGET', key(K.campaign, id), 'state')
