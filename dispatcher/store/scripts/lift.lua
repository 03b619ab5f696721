-- Takes somebody off the suppression list. Until that is settled, the API's blacklist does not bring
-- them back. ARGV: digest, reason, who. Replies 1 when they were on it.
local digest = ARGV[1]
if redis.call('HDEL', key(K.suppressions), digest) == 0 then return 0 end
redis.call('HSET', key(K.lifted), digest, cmsgpack.pack({ now, ARGV[3], ARGV[2], 1 }))
local version = redis.call('HINCRBY', ACCOUNT, 'suppression_version', 1)
redis.call('XADD', key(K.suppression_log), 'MAXLEN', '~', 2000, string.format('%.0f-0', version),
  'what', 'lift', 'digests', digest, 'source', '', 'reason', ARGV[2], 'by', ARGV[3], 'at', now)
return 1
