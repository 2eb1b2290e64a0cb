"""What pages and commands say about what stays."""

STAYS = {
    "held": "messages, replies or events that a hold protects",
    "running": "messages that have not ended, or files that are being imported",
    "shared": "addresses or numbers that other people have too",
}
