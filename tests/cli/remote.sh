# Files at URLs: drawn, described and exported as the files themselves are.
gpucharts gen --kind ticks --points 200k --seed 3 --quiet -o ticks.gch
gpucharts serve ticks.gch --listen 127.0.0.1:0 > address 2> /dev/null &
server=$!
for _ in $(seq 100); do
    [ -s address ] && break
    sleep 0.05
done
url=$(sed 's/serving on //' address)data/ticks.gch

echo "-- one picture"
gpucharts render ticks.gch -o here.png
gpucharts render "$url" -o there.png
gpucharts render "file://$PWD/ticks.gch" -o file.png
cmp here.png there.png && cmp here.png file.png && echo same

echo "-- one text"
gpucharts export ticks.gch > here.csv
gpucharts export "$url" > there.csv
cmp here.csv there.csv && echo same
gpucharts info "$url" | sed 1d > there.txt
gpucharts info ticks.gch | sed 1d | cmp - there.txt && echo same

echo "-- mistakes"
gpucharts verify "$url" 2>&1 | sed 's/127.*gch:/URL:/'
gpucharts info "${url%ticks.gch}none.gch" 2>&1 | sed 's/127[^ ]*gch:/URL:/'
run gpucharts info "file:///none/such.gch"
kill $server
wait $server 2> /dev/null
gpucharts info "$url" 2>&1 | sed 's/127[^ ]*gch:/URL:/; s/http:.*URL/URL/'
