# The server as a process: what it says, what it answers, how it ends.
gpucharts gen --points 5k --quiet -o walk.gch
mkdir -p data/sub
mv walk.gch data/sub/

echo "-- a command line that makes no sense"
run gpucharts serve
run gpucharts serve data --tls-cert cert.pem
run gpucharts serve data --tls-cert cert.pem --tls-key key.pem --tls-self-signed
run gpucharts serve data --compress sometimes
expect 1 'nowhere: no such file' gpucharts serve nowhere
expect 1 'not HOST:PORT' gpucharts serve data --listen 8080
expect 1 'none.pem' gpucharts serve data --listen 127.0.0.1:0 --tls-cert none.pem --tls-key none.pem
expect 1 'none.txt: ' gpucharts serve data --listen 127.0.0.1:0 --token none.txt
echo short > tokens.txt
expect 1 'tokens.txt:1: ' gpucharts serve data --listen 127.0.0.1:0 --token tokens.txt

cat > talk.py <<'PY'
# talk.py SIGNAL ARGUMENT...: starts a server, asks it some things, and ends it with a signal.
import json, re, signal, ssl, subprocess, sys, urllib.error, urllib.request
arguments = ["gpucharts", "serve", *sys.argv[2:], "--listen", "127.0.0.1:0", "--log"]
child = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
line = child.stdout.readline()
url = re.fullmatch(r"serving on (https?://127\.0\.0\.1:\d+/)\n", line).group(1)
print(re.sub(r"\d+/$", "PORT/", url))
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
token = {"Authorization": "Bearer 0123456789abcdef"} if "--token" in sys.argv else {}

def ask(path, **fields):
    request = urllib.request.Request(url + path, headers={**token, **fields})
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()

code, body = ask("v1/data")
print(code, [(s["name"], s["row_count"]) for s in json.loads(body)["data"]])
code, body = ask("data/sub/walk.gch")
print(code, body == open("data/sub/walk.gch", "rb").read())
print(ask("data/sub/walk.gch", Range="bytes=0-3"))
code, body = ask("v1/data/sub/walk/columns?width=100&height=50")
print(code, body[:4], int.from_bytes(body[8:16], "little") == len(body))
print(ask("data/none.gch"))
child.send_signal(getattr(signal, sys.argv[1]))
out, err = child.communicate()
print("exit", child.returncode, "log:", [(e["code"], e["target"]) for e in map(json.loads, err.splitlines())])
PY
echo "-- cleartext, Ctrl-C"
python3 talk.py SIGINT data
echo "-- TLS and a token, a signal to end"
printf '# who\n0123456789abcdef\n' > tokens.txt
python3 talk.py SIGTERM data --tls-self-signed --token tokens.txt

echo "-- what cannot be served is said: in the log if there is one"
mkdir -p odd/sub
cp data/sub/walk.gch odd/sub/points.gch
cp data/sub/walk.gch "odd/$(printf 'bell\a').gch"
cat > odd.py <<'PY'
import json, re, subprocess, urllib.request
for log in [], ["--log"]:
    child = subprocess.Popen(["gpucharts", "serve", "odd", "--viewer", "none", "--listen", "127.0.0.1:0", *log],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    url = re.search(r"http://\S+", child.stdout.readline()).group(0)
    with urllib.request.urlopen(url + "v1/data") as answer:
        print([(s["name"], s["error"]["status"]) for s in json.load(answer)["data"]])
    child.terminate()
    lines = child.communicate()[1].splitlines()
    for line in sorted(json.loads(one).get("message", "") for one in lines) if log else sorted(lines):
        print(repr(line))
PY
python3 odd.py
