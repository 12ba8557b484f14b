echo "key: $STRIPE_SECRET_KEY"
