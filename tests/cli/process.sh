# The process among others: signals, closed pipes, full disks, terminals.
gpucharts gen --points 200k --quiet -o walk.gch

echo "-- a closed pipe ends it quietly"
gpucharts export walk.gch 2> errors.txt | head -1
cat errors.txt
python3 -c '
import signal, subprocess
signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # inherited by the command
child = subprocess.Popen(["gpucharts", "export", "walk.gch"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, restore_signals=False)
child.stdout.readline()
child.stdout.close()
print("stderr:", child.stderr.read().decode(), "status:", child.wait())'

echo "-- a full disk is a failure"
for command in 'export walk.gch' 'info walk.gch' 'info --json walk.gch' 'render walk.gch -o - --size 300x200' --help; do
    gpucharts $command > /dev/full 2> errors.txt
    echo "[$?] $(head -c 11 errors.txt)"
done
expect 1 '/dev/full: .*space' gpucharts export walk.gch -o /dev/full

echo "-- the first interrupt cleans up"
echo old > big.gch
cat > interrupt.py <<'PY'
# Runs a command and sends it a signal as soon as it is at work.
import signal, subprocess, sys, time
number = getattr(signal, sys.argv[1])
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
child.stdin.write(b"time,v\n1,1\n")
child.stdin.flush()
deadline = time.time() + 20
while time.time() < deadline and child.poll() is None:
    with open(f"/proc/{child.pid}/status") as status:
        caught = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt"))
    if caught >> (number - 1) & 1:
        break
    time.sleep(0.005)
time.sleep(0.1)
child.send_signal(number)
message = child.stderr.read().decode().strip()  # standard input stays open until here
print(signal.Signals(-child.wait()).name, message)
PY
python3 interrupt.py SIGINT gpucharts gen --points 1G -o big.gch
python3 interrupt.py SIGTERM gpucharts gen --points 1G -o big.gch
echo "-- also while it waits for standard input"
timeout 30 python3 interrupt.py SIGINT gpucharts ingest - -o big.gch
cat big.gch
echo "-- what was committed before is kept, and readable at any time"
cat > growing.py <<'PY'
# Feeds lines and looks at the output in between; then interrupts.
import signal, subprocess, sys, time
child = subprocess.Popen(["gpucharts", "ingest", "-", "-o", "grow.gch", "--commit-every", "20ms",
                          "--time-unit", "s"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
child.stdin.write(b"time,v\n")
for row in range(1, 4):
    child.stdin.write(b"%d,%d\n0" % (row, row * row))
    child.stdin.flush()
    for attempt in range(1000):
        export = subprocess.run(["gpucharts", "export", "grow.gch", "--no-header"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if len(export.stdout.split()) >= row:
            break
        time.sleep(0.01)
    print(export.stdout.split())
child.send_signal(signal.SIGINT)
print(child.stderr.read().decode().strip(), child.wait())
PY
timeout 30 python3 growing.py
run gpucharts export grow.gch --no-header
run gpucharts verify grow.gch
left

echo "-- a terminal shows progress, a pipe does not"
cat > terminal.py <<'PY'
# Runs a command on a terminal; once it has drawn a bar, types Ctrl-C.
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.environ.update(TERM="xterm", LC_ALL=sys.argv[1])
    os.execvp(sys.argv[2], sys.argv[2:])
seen = b""
is_stopped = False
try:
    while data := os.read(terminal, 65536):
        seen += data
        if b" left\x1b[K" in seen and not is_stopped:
            os.write(terminal, b"\x03")
            is_stopped = True
except OSError:
    pass  # how the end of a terminal reads
_, status = os.waitpid(child, 0)
text = seen.decode().replace("^C", "")
bars = [line for line in text.split("\r") if "%" in line]
print("bars:", bool(bars), "drawn with lines:", "\u2500" in text, "ascii:", text.isascii())
print("within 80 columns:", all(len(line.replace("\x1b[K", "")) < 80 for line in bars))
print("after the last bar:", repr(text[text.rfind("\r\x1b[K"):]) if bars else repr(text))
print("signal:", os.WTERMSIG(status), "code:", os.WEXITSTATUS(status))
PY
python3 terminal.py C gpucharts gen --points 1G -o t.gch
python3 terminal.py C.UTF-8 gpucharts gen --points 1G -o t.gch
python3 terminal.py C gpucharts gen --points 1000 -o t.gch --quiet
python3 terminal.py C gpucharts render walk.gch -o -
gpucharts gen --points 1000 -o t.gch 2>&1 | grep -c "$(printf '\r')"
rm t.gch
left
