-- Takes a step of a schedule. ARGV: step (msgpack). Replies 0 when the schedule has moved on.
local step = cmsgpack.unpack(ARGV[1])
if not is_current(step) then return 0 end
advance(step)
return 1
