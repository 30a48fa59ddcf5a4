# Damage is found, named, and does not stop the other files from being checked.
gpucharts gen --kind ticks --points 20000 --quiet -o good.gch
cp good.gch flipped.gch
python3 - <<'PY'
import os
size = os.stat("flipped.gch").st_size
with open("flipped.gch", "r+b") as file:
    file.seek(size // 3)
    byte = file.read(1)[0]
    file.seek(size // 3)
    file.write(bytes([byte ^ 0x10]))
PY
head -c "$(($(stat -c %s good.gch) / 2))" good.gch > cut.gch
run gpucharts verify good.gch
run gpucharts verify --quiet good.gch
expect 1 '^gpucharts: .*flipped.gch' gpucharts verify flipped.gch
expect 1 '^gpucharts: .*cut.gch' gpucharts verify cut.gch
gpucharts verify flipped.gch good.gch cut.gch 2> errors.txt
echo "[$?]"
grep -c '^gpucharts: ' errors.txt
expect 1 'cut.gch' gpucharts render cut.gch -o cut.png
left
