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
progress(id)
return redis.call('HGET', key(K.campaign, id), 'state')
