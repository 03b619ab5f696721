-- Takes people off the suppression list. Until that is settled, the API's blacklist does not bring
-- them back. ARGV: their digests of 16 bytes each in one, reason, who. Replies how many were on it.
local gone = {}
for i = 1, #ARGV[1], 16 do
  local digest = string.sub(ARGV[1], i, i + 15)
  if redis.call('HDEL', key(K.suppressions), digest) == 1 then
    redis.call('HSET', key(K.lifted), digest, cmsgpack.pack({ now, ARGV[3], ARGV[2], 1 }))
    gone[#gone + 1] = digest
  end
end
if #gone == 0 then return 0 end
local version = redis.call('HINCRBY', ACCOUNT, 'suppression_version', 1)
redis.call('XADD', key(K.suppression_log), 'MAXLEN', '~', 2000, string.format('%.0f-0', version),
  'what', 'lift', 'digests', table.concat(gone), 'source', '', 'reason', ARGV[2], 'by', ARGV[3], 'at', now)
return #gone
