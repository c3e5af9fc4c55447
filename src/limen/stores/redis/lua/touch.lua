-- arg 1 id, 2 when it was used
local row = session(arg(1))
if not row then return { 'none' } end
use(arg(1), row, arg(2))
return { 'touched' }
