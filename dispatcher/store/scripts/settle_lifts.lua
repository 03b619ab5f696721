-- Notes of people who were taken off the suppression list that the API's blacklist has them no more:
-- if it ever has again, they count as suppressed anew. ARGV: digests of 16 bytes each,
-- in one.
local lifted = key(K.lifted)
for first = 1, string.len(ARGV[1]), 16 do
  local digest = string.sub(ARGV[1], first, first + 15)
  local stored = redis.call('HGET', lifted, digest)
  if stored then
    local lift = cmsgpack.unpack(stored)
    lift[4] = 0
    redis.call('HSET', lifted, digest, cmsgpack.pack(lift))
  end
end
return 1
