obsctl get raw/ccd-0421.fits frame.fits
echo '{"mag":17.3}' | obsctl put - products/0421.json --label night=2026-11-20 --value mag=17.3
obsctl publish org.example.product.created --subject products/0421.json
echo "measured $(stat -c %s frame.fits) bytes"
