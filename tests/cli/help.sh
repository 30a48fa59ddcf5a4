# Help and version, of the program and of every command.
run gpucharts --version
run gpucharts
run gpucharts --help
run gpucharts help gen
for command in ingest export gen info verify render view bench serve tail publish; do
    run gpucharts $command --help
done
# Help wins over what else is on the line, as long as that can be read.
expect 0 "" gpucharts render --size 10x10 -h
# No line is wider than 80 columns.
for command in ingest export gen info verify render view bench serve tail publish; do
    gpucharts $command --help | awk 'length > 80 && !/^  gpucharts|^usage/ { print "too wide: " $0 }'
done
