-- Writes down what a person found in a reply. ARGV: reply, verdict, by. Replies whether it exists.
local reply, verdict, by = ARGV[1], ARGV[2], ARGV[3]
local record = key(K.reply, reply)
local had = redis.call('HMGET', record, 'intent', 'verdict', 'campaign', 'place')
if not had[1] then return 0 end
redis.call('ZREM', key(K.review), reply)
if had[2] == verdict then return 1 end
redis.call('HSET', record, 'verdict', verdict, 'by', by, 'judged_at', now)
local campaign = had[3] or ''
if campaign == '' or redis.call('EXISTS', key(K.campaign, campaign)) == 0 then return 1 end
local stood = had[2] or had[1]
local change = (verdict == INTENT.stop and 1 or 0) - (stood == INTENT.stop and 1 or 0)
redis.call('HINCRBY', key(K.campaign, campaign), 'stops', change)
emit(campaign, 'reply', stood, verdict, reply)
announce(campaign, E.reply, { reply = reply, intent = stood, verdict = verdict, place = tonumber(had[4] or '') })
return 1
