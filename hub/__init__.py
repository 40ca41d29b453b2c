"""The only folder that knows what an alert is: publishing, delivery, staff, feeds and the web."""
